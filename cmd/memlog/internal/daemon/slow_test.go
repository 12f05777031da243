package daemon_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

// slowStore waits before it stores until it is told to go on.
type slowStore struct {
	memory.Service
	in *bufio.Scanner
}

func (s slowStore) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	fmt.Println("storing")
	s.in.Scan()
	return s.Service.Store(ctx, r)
}

// tells says on standard output that the owner leaves.
type tells struct{}

func (tells) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "owner leaves") {
		fmt.Println("leaves")
	}
	return len(p), nil
}

// slowChild is an owner whose calls take as long as the test wants: DIR.
func slowChild(args []string) error {
	o := options(args[0], "slow", testVersion)
	open := o.Open
	o.Open = func(ctx context.Context) (memory.Service, error) {
		s, err := open(ctx)
		return slowStore{s, bufio.NewScanner(os.Stdin)}, err
	}
	o.Logger = slog.New(slog.NewTextHandler(tells{}, nil))
	fmt.Println("up")
	return daemon.Own(context.Background(), o)
}
