package main

import (
	"context"
	"strings"
)

// Script is a model that always does the same: it looks for a flight, pays for it, and tells about it.
type Script struct{}

// Think is a function of the transcript.
func (Script) Think(_ context.Context, transcript []string) (Reply, error) {
	last := transcript[len(transcript)-1]
	switch {
	case len(transcript) == 1:
		return Reply{Tool: "search", Input: transcript[0]}, nil
	case strings.HasPrefix(last, "search"):
		return Reply{Tool: "pay", Input: "120 for " + transcript[0]}, nil
	case strings.HasSuffix(last, "refused by a person"):
		return Reply{Answer: "not booked"}, nil
	}
	return Reply{Answer: "booked, receipt " + last[strings.LastIndexByte(last, ' ')+1:]}, nil
}
