//go:build !unix

package credentials

import "os/exec"

func inGroup(*exec.Cmd) {}
