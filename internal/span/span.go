// Package span writes a span of time as people read it, exactly.
package span

import (
	"fmt"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Text is the span in days, hours, minutes and seconds, without those that are zero at its end: 400d, 2d1h,
// 1h0m5s, 1.2s. A day is 24 hours.
func Text(d time.Duration) string {
	s := (d % day).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	switch days := d / day; {
	case days == 0:
		return s
	case d%day == 0:
		return fmt.Sprintf("%dd", days)
	default:
		return fmt.Sprintf("%dd%s", days, strings.TrimPrefix(s, "-"))
	}
}
