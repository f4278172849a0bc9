package subtle

// What one operation may take. No interrupt reaches it, so each of these keeps it
// to a part of a turn, which has one second; they are for a core of 2020 or so.
const (
	// maxIterations is the most hashing PBKDF2 may do: iterations, times the
	// blocks of the hash that the result is long. A million take 0.2 s with
	// SHA-256 and 0.5 s with SHA-512; OWASP's advice of 600,000 fits.
	maxIterations = 1_000_000
	// maxHashed is how many bytes a derivation may hash besides: each block of its
	// result takes the whole salt (PBKDF2) or info (HKDF). It is what digest takes
	// at most, as no ArrayBuffer is longer, and takes up to 0.3 s.
	maxHashed = 64 << 20
	// maxModulus is the largest RSA key in bits. A signature takes 6 ms with
	// 4,096 and 0.13 s with 8,192.
	maxModulus = 8192
	// minModulus is the smallest. Go refuses smaller ones, as everybody should.
	minModulus = 1024
	// generatedModulus is the size of RSA keys that can be made. Finding two
	// primes takes 0.1 s on average, and is stopped when the turn is over;
	// those of larger keys would take more than a turn too often.
	generatedModulus = 2048
	// maxKeyText is the longest key in SPKI, PKCS #8, or one member of a JSON
	// Web Key, in bytes. The largest RSA key takes 5 KiB; it is parsed before
	// its size is known.
	maxKeyText = 16 << 10
	// maxSecret is the longest secret that is made or derived by one call, in
	// bytes: as much as crypto.getRandomValues fills at once.
	maxSecret = 64 << 10
)
