package checkbench_test

import (
	"os"
	"syscall"
)

// peak is the most memory a process that has ended had in use.
func peak(ended *os.ProcessState) int64 {
	usage, _ := ended.SysUsage().(*syscall.Rusage)
	return usage.Maxrss << 10
}
