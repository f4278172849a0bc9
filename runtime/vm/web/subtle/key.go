package subtle

// Key is a key. It does not change.
type Key struct {
	Type        string // "secret", "public" or "private"
	Extractable bool
	Usages      Usages
	Info
	// material is []byte, or a key of Go's crypto packages.
	material any
}

// The types of keys.
const (
	secretKey  = "secret"
	publicKey  = "public"
	privateKey = "private"
)

// Info is what the algorithm property of a key tells. What does not belong to
// its algorithm is empty.
type Info struct {
	Name           string
	Hash           string
	NamedCurve     string
	Length         int // in bits
	ModulusLength  int // in bits
	PublicExponent []byte
}

// Host is what an operation needs from outside.
type Host struct {
	// Random fills b from the run's stream. It may panic.
	Random func(b []byte)
	// Pause is called now and then by what takes long, and may panic to end it.
	Pause func()
}

// mayBe checks that a key is of the algorithm p names and may be used for it.
func (k *Key) mayBe(use Usages, p *Params) error {
	if k.Name != p.Name {
		return fail(nameInvalidAccess, "the key is for %s and not for %s", k.Name, p.Name)
	}
	if k.Usages&use == 0 {
		return fail(nameInvalidAccess, "the %s key may not be used for %s; its usages are %q", k.Type, use.Names()[0], k.Usages.Names())
	}
	return nil
}
