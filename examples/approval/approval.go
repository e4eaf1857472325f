package main

import (
	"context"
	"errors"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Decision is a message to the run of a document.
type Decision struct {
	By       string
	Approved bool
}

// Decide is the topic of decisions.
var Decide = durable.NewTopic[Decision]("decision")

// Verdict is how a review ended.
type Verdict string

// The verdicts.
const (
	Published Verdict = "published"
	Rejected  Verdict = "rejected"
	Expired   Verdict = "expired"
	Withdrawn Verdict = "withdrawn"
)

// Request asks somebody to decide about a document.
type Request struct{ Document, Who string }

// Filing closes the review of a document.
type Filing struct {
	Document string
	Verdict  Verdict
}

// Office is the world outside: who gets mail, and where documents are filed.
type Office interface {
	Ask(ctx context.Context, r Request) (bool, error) // asking again does no harm
	File(ctx context.Context, f Filing) (bool, error) // nor does filing the same again
}

// NewApproval returns the workflow of a document: the editor has some time to decide, then it is escalated
// to the manager, who has as long again. A run that is cancelled meanwhile withdraws the document.
func NewApproval(office Office, patience time.Duration) *durable.Workflow[string, Verdict] {
	return durable.Define("approval", func(ctx durable.Context, title string) (Verdict, error) {
		document := ctx.RunID() + ", " + title
		verdict, err := review(ctx, office, document, patience)
		if err != nil {
			verdict = Withdrawn
		}
		filing := ctx.Detached() // whoever cancels, even now, the document does not stay in review
		if _, failed := durable.Step(filing, "file", office.File, Filing{document, verdict}); failed != nil {
			return "", errors.Join(err, failed)
		}
		return verdict, err
	})
}

// review waits for a decision; the error says that the run was cancelled.
func review(ctx durable.Context, office Office, document string, patience time.Duration) (Verdict, error) {
	for _, who := range []string{"editor", "manager"} {
		if _, err := durable.Step(ctx, "ask", office.Ask, Request{document, who}); err != nil {
			return "", err
		}
		d, err := Decide.ReceiveTimeout(ctx, patience) // whoever decides, even the editor when he is late
		switch {
		case errors.Is(err, durable.ErrCancelled):
			return "", err
		case errors.Is(err, context.DeadlineExceeded):
			continue
		case err != nil:
			return "", err
		case d.Approved:
			return Published, nil
		}
		return Rejected, nil
	}
	return Expired, nil
}
