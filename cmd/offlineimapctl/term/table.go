package term

import (
	"io"
	"strings"
)

// Cell is a text in a table, with its colour.
type Cell struct {
	Text   string
	Colour Colour
}

// Column describes a column of a Table.
type Column struct {
	Title string // in capitals
	Right bool   // numbers
	Give  bool   // gives way where the terminal is too narrow
}

// Table aligns rows of cells.
type Table struct {
	Columns []Column
	rows    [][]Cell
}

// Row adds a row. The texts are made plain.
func (t *Table) Row(cells ...Cell) {
	for i := range cells {
		cells[i].Text = Plain(cells[i].Text)
	}
	t.rows = append(t.rows, cells)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// gap stands between columns.
const gap = 2

// Write writes the table, with its header unless legend is false. Where columns
// is not 0, those that may give way are cut so that no line is wider.
func (t *Table) Write(w io.Writer, s Style, columns int, legend bool) {
	widths := t.widths(legend)
	t.narrow(widths, columns)
	if legend {
		head := make([]Cell, len(t.Columns))
		for i, c := range t.Columns {
			head[i] = Cell{c.Title, None}
		}
		t.line(w, s, widths, head)
	}
	for _, r := range t.rows {
		t.line(w, s, widths, r)
	}
}

func (t *Table) widths(legend bool) []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		if legend {
			widths[i] = Width(c.Title)
		}
		for _, r := range t.rows {
			if i < len(r) {
				widths[i] = max(widths[i], Width(r[i].Text))
			}
		}
	}
	return widths
}

// narrow takes from the widest column that may give way until all fits.
func (t *Table) narrow(widths []int, columns int) {
	const least = 8
	total := gap * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	for ; columns > 0 && total > columns; total-- {
		widest := -1
		for i, c := range t.Columns {
			if c.Give && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func (t *Table) line(w io.Writer, s Style, widths []int, cells []Cell) {
	var b strings.Builder
	pending := 0 // spaces that only matter if something follows
	for i, c := range cells {
		if i > 0 {
			pending += gap
		}
		text := Cut(c.Text, widths[i])
		fill := widths[i] - Width(text)
		if t.Columns[i].Right {
			pending += fill
			fill = 0
		}
		if text != "" {
			b.WriteString(strings.Repeat(" ", pending))
			b.WriteString(string(s.Paint(c.Colour, text)))
			pending = 0
		}
		pending += fill
	}
	Printf(w, "%s\n", Styled(b.String()))
}
