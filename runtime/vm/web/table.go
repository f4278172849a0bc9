package web

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// table prints rows and columns. Like inspect it never fails.
func (c *console) table(data, only goja.Value) {
	if ex := c.r.rt.Try(func() { c.tryTable(data, only) }); ex != nil {
		c.line("info", unreadable, nil)
	}
}

// tryTable prints what is a table, and what is none as it is.
func (c *console) tryTable(data, only goja.Value) {
	rows, ok := vm.Materialized(data).(*goja.Object)
	if !ok {
		c.print("info", []goja.Value{data})
		return
	}
	head := []string{"(index)"}
	column := map[string]int{}
	if list, ok := only.(*goja.Object); ok {
		for _, key := range list.Keys() {
			c.column(&head, column, c.r.text(orUndefined(list.Get(key))))
		}
	}
	var cells [][]string
	for i, key := range c.rowKeys(rows) {
		if i == maxInspectItems {
			cells = append(cells, []string{"…"})
			break
		}
		cells = append(cells, c.row(rows, key, &head, column, vm.IsNone(only)))
	}
	c.line("info", drawTable(head, cells), nil)
}

// rowKeys returns the keys of the rows, one more than are shown at most: a
// list may be long, and listing its keys takes longer than printing it.
func (c *console) rowKeys(rows *goja.Object) []string {
	kind := c.r.kindOf(rows)
	switch kind {
	case kindProxy:
		return nil
	case kindArray, kindView:
	default:
		return rows.Keys()
	}
	length := int64(0)
	if kind == kindArray {
		length = orUndefined(c.r.own(rows, "length")).ToInteger()
	} else {
		length = orUndefined(rows.Get("length")).ToInteger()
	}
	keys := make([]string, min(length, maxInspectItems+1))
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	return keys
}

func (c *console) column(head *[]string, column map[string]int, name string) int {
	i, ok := column[name]
	if !ok {
		i = len(*head)
		column[name] = i
		*head = append(*head, clipText(name))
	}
	return i
}

func (c *console) row(rows *goja.Object, key string, head *[]string, column map[string]int, grow bool) []string {
	const valueColumn, maxColumns = "Values", 30
	cells := []string{key}
	put := func(name, text string) {
		if _, known := column[name]; !known && (!grow && name != valueColumn || len(*head) >= maxColumns) {
			return
		}
		i := c.column(head, column, name)
		for len(cells) <= i {
			cells = append(cells, "")
		}
		cells[i] = text
	}
	value := orUndefined(c.r.own(rows, key))
	obj, ok := vm.Materialized(value).(*goja.Object)
	if !ok || c.r.kindOf(obj) != kindPlain && c.r.kindOf(obj) != kindArray {
		put(valueColumn, c.r.inspect(value, 0))
		return cells
	}
	for _, name := range obj.Keys() {
		put(name, c.r.inspect(orUndefined(c.r.own(obj, name)), 0))
	}
	return cells
}

// drawTable aligns the cells in columns.
func drawTable(head []string, rows [][]string) string {
	width := make([]int, len(head))
	all := append([][]string{head}, rows...)
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range all {
		if n > 0 {
			b.WriteByte('\n')
		}
		for i := range head {
			cell := ""
			if i < len(row) {
				cell = strings.ReplaceAll(row[i], "\n", " ")
			}
			b.WriteString("│ " + cell + strings.Repeat(" ", max(width[i]-utf8.RuneCountInString(cell), 0)) + " ")
		}
		b.WriteString("│")
		if n == 0 {
			b.WriteString("\n" + rule(width))
		}
	}
	return b.String()
}

func rule(width []int) string {
	var parts []string
	for _, w := range width {
		parts = append(parts, strings.Repeat("─", w+2))
	}
	return "├" + strings.Join(parts, "┼") + "┤"
}
