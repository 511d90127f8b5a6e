//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// identity is who this process runs as.
func identity() string {
	text := fmt.Sprintf("user %d, group %d", os.Geteuid(), os.Getegid())
	groups, err := os.Getgroups()
	var others []string
	for _, g := range groups {
		if g != os.Getegid() {
			others = append(others, fmt.Sprint(g))
		}
	}
	if err == nil && len(others) > 0 {
		text += ", also in " + strings.Join(others, ", ")
	}
	return text
}

// socketState tells whose a socket is and whether this process may use it, and if
// not, what to do about it.
func socketState(path string) (state, cure string) {
	const readWrite = 6
	info, err := os.Stat(path)
	if err != nil {
		return errors.Unwrap(err).Error(), ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.Mode().String(), ""
	}
	state = fmt.Sprintf("%s, of user %d and group %d", info.Mode(), stat.Uid, stat.Gid)
	if syscall.Access(path, readWrite) == nil {
		return state + ", readable and writable", ""
	}
	return state + ", NOT readable and writable", fmt.Sprintf("; run it with --group-add %d", stat.Gid)
}
