package prompt

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// grace is how long a program may take to end after it was told to.
const grace = 2 * time.Second

// command makes a command that ends with ctx, and all that it started with it.
// finish is called when Wait has returned.
func command(ctx context.Context, path string, args ...string) (cmd *exec.Cmd, finish func()) {
	cmd = exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	return cmd, func() {
		if ctx.Err() != nil && cmd.Process != nil {
			// A group that is gone already answers ESRCH. Its number is not given
			// to another one while any process of it is there.
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
}
