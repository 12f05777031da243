//go:build unix && !linux

package daemon_test

import (
	"errors"
	"testing"
)

func readOnly(*testing.T, string) error { return errors.ErrUnsupported }
