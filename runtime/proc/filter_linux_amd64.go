package proc

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64

	// foreignFrom is where the numbers of the x32 calls begin, which do the
	// same things under other numbers.
	foreignFrom = 0x40000000

	// largeFile is O_LARGEFILE as C libraries pass it; Go has it as 0 here.
	largeFile = 0x8000
)

// namedFiles are what there is on this architecture only for looking at files.
var namedFiles = []rule{
	{number: unix.SYS_NEWFSTATAT},
	{number: unix.SYS_STAT},
	{number: unix.SYS_LSTAT},
	{number: unix.SYS_READLINK},
}
