package explore_test

import (
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNoBytesNoDeviations(t *testing.T) {
	for _, data := range [][]byte{nil, {}, make([]byte, 500)} {
		list := choice.NewList(explore.Bytes(data))
		program(list, 200)
		for range 20 {
			list.Point("certain").Chance(1, 3)
		}
		require.Empty(t, list.Deviations())
	}
}

func TestEncodedRunsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queries := rapid.SliceOf(rapid.Custom(func(t *rapid.T) choice.Query {
			return choice.Query{
				Label: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "label"),
				N:     rapid.OneOf(rapid.IntRange(1, 5), rapid.IntRange(1, choice.MaxAnswers)).Draw(t, "n"),
				Rate:  rapid.SampledFrom([]float64{0, 0, choice.Never, 0.001, 0.3, 1}).Draw(t, "rate"),
			}
		})).Draw(t, "queries")
		ask := func(src choice.Source) []choice.Choice {
			list := choice.NewList(src)
			for _, q := range queries {
				if q.Rate == 0 {
					list.Pick(q.Label, q.N)
				} else {
					list.Point(q.Label).Chance(q.Rate, q.N)
				}
			}
			return list.Choices()
		}
		answer := rapid.IntRange(0, choice.MaxAnswers)
		answers := rapid.SliceOfN(answer, len(queries), len(queries)).Draw(t, "answers")
		first := ask(choice.SourceFunc(func(q choice.Query) int {
			answer := answers[0]
			answers = answers[1:]
			return answer
		}))
		data := explore.Encode(first)
		require.Equal(t, first, ask(explore.Bytes(data)))
		if len(data) > 0 {
			data = data[:len(data)-1]
			ask(explore.Bytes(data)) // too short is no harm
		}
	})
}

func TestRatesCountAmongBytes(t *testing.T) {
	for _, c := range []struct {
		rate float64
		want int
	}{{0.5, 128}, {0.02, 6}, {0.0001, 1}, {0, 1}, {1, 255}} {
		deviations := 0
		for b := range 256 {
			deviations += choice.NewList(explore.Bytes([]byte{byte(b)})).Point("p").Chance(c.rate, 2)
		}
		require.Equal(t, c.want, deviations, "of 256 bytes at rate %v", c.rate)
	}
}

func FuzzBytes(f *testing.F) {
	for seed := range uint64(3) {
		list := choice.NewList(choice.Seeded(seed))
		program(list, 40)
		f.Add(explore.Encode(list.Choices()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list := choice.NewList(explore.Bytes(data))
		saw := program(list, 40)
		again := choice.NewList(explore.Bytes(explore.Encode(list.Choices())))
		require.Equal(t, saw, program(again, 40))
	})
}
