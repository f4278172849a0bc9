package web

// now is the script's clock in milliseconds since the run began to count: see
// performance.
func (r *realm) now() float64 {
	return float64(r.v.Now().UnixMicro()) / 1000
}
