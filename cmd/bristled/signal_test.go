package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// stubborn is a program that takes its time to stop: the one that TestMain
// makes of the test binary under that name.
func stubborn() {
	ctx, _ := interruptible(context.Background())
	fmt.Println("working")
	<-ctx.Done()
	fmt.Println("stopping")
	select {} // for ever
}

func TestSecondInterruptIsImmediate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	cmd := exec.Command("stubborn")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(out)
	for _, want := range []string{"working", "stopping"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("it said %q, want %q", lines.Text(), want)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	err = cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitInterrupted {
		t.Errorf("it ended with %v, want code %d", err, exitInterrupted)
	}
	if want := "bristled: stopped at once\n"; !strings.HasSuffix(said.String(), want) {
		t.Errorf("it said %q", said.String())
	}
}
