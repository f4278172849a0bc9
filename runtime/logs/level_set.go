package logs

// levelSet is a set of levels: bit n stands for level n.
type levelSet uint8

const allLevels levelSet = 0xff

// levelSetOf returns the set of one level. Levels that do not exist share the
// highest bit: such a set only ever says "look inside".
func levelSetOf(l Level) levelSet {
	return 1 << min(l, 7)
}

func (s levelSet) has(l Level) bool { return s&levelSetOf(l) != 0 }
