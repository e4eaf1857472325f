package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/plantedtest"
	"github.com/reprise-dst/reprise/properties"
)

// NewSpendthrift has a planted bug: its author makes the key of a call from the number of the attempt, so
// that each attempt is another call to whoever takes the payment.
func NewSpendthrift(s Services) *durable.Workflow[string, string] { return NewAgent(spendthrift{s}) }

type spendthrift struct{ Services }

func (s spendthrift) Use(ctx context.Context, c Call, _ string) (string, error) {
	info, _ := durable.Info(ctx)
	return s.Services.Use(ctx, c, fmt.Sprintf("%s/%s/%d", info.Run, info.ID, info.Attempt))
}

// TestSpendthrift finds it: a crash between the payment and its checkpoint pays again.
func TestSpendthrift(t *testing.T) {
	plantedtest.Found(t, properties.Body(desk(NewSpendthrift)))
}
