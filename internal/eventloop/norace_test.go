//go:build !race

package eventloop_test

// raceDetector says whether the test runs under the race detector, which makes stacks larger.
const raceDetector = false
