package worker

import (
	"sync/atomic"
	"unsafe"
)

// slots is memory that a worker shares with the server: for each of the turns
// that it executes at a time, the number of the job, and a count that rises with
// every turn. It is read when the process has ended and can say nothing any more,
// and by the watch. What stands there is believed for choosing suspects, and for
// telling the turns of a batch apart, of which the server knows the number.
type slots []byte

// slotSize is the size of a job's number and of the count of turns.
const slotSize = 16

// maxSlots is how many turns a worker can be given at a time.
const maxSlots = 64

func (s slots) job(i int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&s[i*slotSize])) // it is mapped at a page: aligned
}

func (s slots) turns(i int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&s[i*slotSize+slotSize/2]))
}

// set says which job a slot executes; 0 for none.
func (s slots) set(i int, job uint64) {
	if (i+1)*slotSize <= len(s) {
		s.job(i).Store(job)
	}
}

// next says that a slot goes on with another turn of its job.
func (s slots) next(i int) {
	if (i+1)*slotSize <= len(s) {
		s.turns(i).Add(1)
	}
}

// inSlot is what stands in a slot.
type inSlot struct{ job, turns uint64 }

// all is what stands in the slots in use.
func (s slots) all() (list []inSlot) {
	for i := range len(s) / slotSize {
		if job := s.job(i).Load(); job != 0 {
			list = append(list, inSlot{job, s.turns(i).Load()})
		}
	}
	return list
}

// SharedMemory is how many bytes a worker process has to share with the server.
const SharedMemory = maxSlots * slotSize
