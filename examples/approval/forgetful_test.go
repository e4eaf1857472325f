package main

import (
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/plantedtest"
	"github.com/reprise-dst/reprise/properties"
)

// NewForgetfulApproval has a planted bug: its author cleans up on the Context that was cancelled, which
// refuses to do anything. The document of a cancelled run stays in review for ever.
func NewForgetfulApproval(office Office, patience time.Duration) *durable.Workflow[string, Verdict] {
	return durable.Define("approval", func(ctx durable.Context, title string) (Verdict, error) {
		document := ctx.RunID() + ", " + title
		verdict, err := review(ctx, office, document, patience)
		if err != nil {
			verdict = Withdrawn
		}
		if _, failed := durable.Step(ctx, "file", office.File, Filing{document, verdict}); failed != nil {
			return "", failed
		}
		return verdict, err
	})
}

// TestForgetfulApproval finds it: a run that is cancelled leaves its document in review.
func TestForgetfulApproval(t *testing.T) {
	plantedtest.Found(t, properties.ServiceBody(office(NewForgetfulApproval)))
}
