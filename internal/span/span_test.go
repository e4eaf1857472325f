package span_test

import (
	"math"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/internal/span"
	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	const day = 24 * time.Hour
	for want, d := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "1.2s": 1200 * time.Millisecond, "15ns": 15,
		"1m": time.Minute, "20m": 20 * time.Minute, "10m10s": 610 * time.Second,
		"1h": time.Hour, "10h30m": 630 * time.Minute, "1h0m5s": time.Hour + 5*time.Second,
		"1d": day, "18250d": 50 * 365 * day, "2d1h": 49 * time.Hour, "1d500ms": day + time.Second/2,
		"1d1ms": day + time.Millisecond, "-1h": -time.Hour, "-2d": -2 * day, "-2d1h": -49 * time.Hour,
		"106751d23h47m16.854775807s": math.MaxInt64,
	} {
		require.Equal(t, want, span.Text(d))
	}
}
