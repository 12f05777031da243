package embed

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// maxHeader bounds the header of a model file.
const maxHeader = 16 << 20

// tensor is an array in a model file, as it stands there.
type tensor struct {
	kind  string // F64, F32, F16, BF16, I64, I32
	shape []int
	data  []byte
}

// widths are the bytes of an element by kind.
var widths = map[string]int{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4}

// readTensors reads the safetensors format: the length of a header (8 bytes, little endian), the
// header in JSON, the data.
func readTensors(b []byte) (map[string]tensor, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("it has %d bytes and no header", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxHeader || n > uint64(len(b)-8) {
		return nil, fmt.Errorf("it is cut short or no safetensors file: %d bytes with a header of %d",
			len(b), n)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(b[8:8+n], &header); err != nil {
		return nil, fmt.Errorf("its header is not JSON: %v", err)
	}
	data, out := b[8+n:], map[string]tensor{}
	for name, raw := range header {
		if name == "__metadata__" {
			continue
		}
		t, err := readTensor(raw, data)
		if err != nil {
			return nil, fmt.Errorf("tensor %.40q: %w", name, err)
		}
		out[name] = t
	}
	return out, nil
}

func readTensor(raw json.RawMessage, data []byte) (tensor, error) {
	var h struct {
		Dtype   string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets []uint64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return tensor{}, err
	}
	if len(h.Offsets) != 2 || h.Offsets[0] > h.Offsets[1] {
		return tensor{}, fmt.Errorf("offsets %v", h.Offsets)
	}
	if h.Offsets[1] > uint64(len(data)) {
		return tensor{}, fmt.Errorf("the file is cut short: it has %d bytes of data, this ends at %d",
			len(data), h.Offsets[1])
	}
	width, ok := widths[h.Dtype]
	if !ok {
		return tensor{}, fmt.Errorf("elements of kind %.20q are not supported", h.Dtype)
	}
	size := uint64(width)
	for _, n := range h.Shape {
		if n < 0 || n > math.MaxInt32 || size > math.MaxInt64/uint64(n+1) {
			return tensor{}, fmt.Errorf("shape %v", h.Shape)
		}
		size *= uint64(n)
	}
	if size != h.Offsets[1]-h.Offsets[0] {
		return tensor{}, fmt.Errorf("%d bytes for shape %v of %s", h.Offsets[1]-h.Offsets[0], h.Shape,
			h.Dtype)
	}
	return tensor{h.Dtype, h.Shape, data[h.Offsets[0]:h.Offsets[1]]}, nil
}

// float returns element i.
func (t tensor) float(i int) float32 {
	switch t.kind {
	case "F64":
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(t.data[8*i:])))
	case "F32":
		return math.Float32frombits(binary.LittleEndian.Uint32(t.data[4*i:]))
	case "F16":
		return half(binary.LittleEndian.Uint16(t.data[2*i:]))
	case "BF16":
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(t.data[2*i:])) << 16)
	default:
		return float32(t.integer(i))
	}
}

// integer returns element i of an array of integers.
func (t tensor) integer(i int) int {
	if t.kind == "I64" {
		return int(binary.LittleEndian.Uint64(t.data[8*i:]))
	}
	return int(int32(binary.LittleEndian.Uint32(t.data[4*i:])))
}

// half is an IEEE 754 binary16.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, int(h>>10&31), uint32(h&1023)
	switch {
	case exp == 31:
		return math.Float32frombits(sign | 0x7F800000 | frac<<13)
	case exp > 0:
		return math.Float32frombits(sign | uint32(exp+112)<<23 | frac<<13)
	}
	v := float32(math.Ldexp(float64(frac), -24))
	return math.Float32frombits(sign | math.Float32bits(v))
}
