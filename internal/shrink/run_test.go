package shrink

import (
	"sync"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/stretchr/testify/require"
)

func TestABatchRunsAllAtOnce(t *testing.T) {
	const width = 4
	var all sync.WaitGroup // nobody goes on before all have come
	all.Add(width)
	s := &shrinker{try: func(devs []choice.Deviation) Outcome {
		all.Done()
		all.Wait()
		return Outcome{Used: devs}
	}}
	batch := make([]proposal, width)
	for i := range batch {
		batch[i].devs = []choice.Deviation{{Label: "a", Occurrence: i + 1, Answer: 1}}
	}
	for i, outcome := range s.run(batch) {
		require.Equal(t, batch[i].devs, outcome.Used)
	}
}
