package proc

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_AARCH64

	// foreignFrom is where the numbers of other calls begin: nowhere. 32-bit
	// programs have an architecture of their own.
	foreignFrom = 0

	// largeFile is O_LARGEFILE as C libraries pass it; Go has it as 0 here.
	largeFile = 0x20000
)

// namedFiles are what there is on this architecture only for looking at files.
var namedFiles = []rule{{number: unix.SYS_FSTATAT}}
