package badger_test

import (
	"testing"
)

func writeUntilKilled() bool { return false }
var _ testing.TB
