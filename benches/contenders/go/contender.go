package main

// The protocol of benches/README.md: reads commands, makes calls on goroutines, measures them.

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// target has the program's arguments.
type target struct {
	url, caBundle, chain, key string
}

// call makes and checks one call. All goroutines share it.
type call func() error

// variant sets up the state that the calls share.
type variant func(target) (call, error)

// answer is the answer to the command run.
type answer struct {
	Latencies []int64 `json:"latencies_ns"`
	Wall      int64   `json:"wall_ns"`
	CPU       int64   `json:"cpu_ns"`
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// check returns an error unless the answer is the expected one.
func check(status int, body []byte) error {
	if status != 200 || !bytes.Contains(body, []byte(`"available":true`)) {
		return fmt.Errorf("unexpected answer: HTTP %d, %.500s", status, body)
	}
	return nil
}

// contend runs a contender.
func contend(variants map[string]variant) {
	values := os.Args[1:]
	once := len(values) == 6 && values[5] == "once"
	var begin variant
	if len(values) == 5 || once {
		begin = variants[values[4]]
	}
	if begin == nil {
		fmt.Fprintln(os.Stderr, "arguments: URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY VARIANT [once]")
		os.Exit(2)
	}
	one, err := begin(target{values[0], values[1], values[2], values[3]})
	if err == nil && once {
		err = one()
	} else if err == nil {
		err = serve(one)
	}
	if err != nil {
		fail(err)
	}
}

// serve runs the commands of standard input.
func serve(one call) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var calls, threads int
		var line any
		switch text := lines.Text(); text {
		case "quit":
			return nil
		case "versions":
			line = map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go")}
		default:
			if n, _ := fmt.Sscanf(text, "run %d %d", &calls, &threads); n != 2 || calls < 1 || threads < 1 {
				return fmt.Errorf("not a command: %s", text)
			}
			measured, err := run(one, calls, threads)
			if err != nil {
				return err
			}
			line = measured
		}
		if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
			return err
		}
	}
	return lines.Err()
}

// run makes the calls on so many goroutines at once.
func run(one call, calls, threads int) (answer, error) {
	latencies := make([]int64, calls)
	failures := make(chan error, threads)
	var group sync.WaitGroup
	used := cpu()
	start := time.Now()
	for given, index := 0, 0; index < threads; index++ {
		count := calls / threads
		if index < calls%threads {
			count++
		}
		group.Add(1)
		go func(share []int64) {
			defer group.Done()
			if err := measure(one, share); err != nil {
				failures <- err
			}
		}(latencies[given : given+count])
		given += count
	}
	group.Wait()
	measured := answer{latencies, time.Since(start).Nanoseconds(), cpu() - used}
	select {
	case err := <-failures:
		return answer{}, err
	default:
		return measured, nil
	}
}

func measure(one call, latencies []int64) error {
	start := time.Now()
	for index := range latencies {
		if err := one(); err != nil {
			return err
		}
		ended := time.Now()
		latencies[index] = ended.Sub(start).Nanoseconds()
		start = ended
	}
	return nil
}

// cpu returns the user and system time of the process so far, in nanoseconds.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
