// Which characters a property means. ECMAScript's names are exact: no case
// folding, no loose matching, and only the properties it lists.

package unicodeclass

import (
	"fmt"
	"strings"
	"unicode"
)

// property returns the set that the text between the braces of \p{…} names.
func property(text string) (set, error) {
	name, value, valued := strings.Cut(text, "=")
	if !valued {
		return loneProperty(name)
	}
	switch name {
	case "General_Category", "gc":
		if s, ok := category(value); ok {
			return s, nil
		}
		return nil, fmt.Errorf("there is no general category %q", value)
	case "Script", "sc":
		if s, ok := script(value); ok {
			return s, nil
		}
		return nil, fmt.Errorf("there is no script %q", value)
	case "Script_Extensions", "scx":
		if s, ok := scriptExtensions(value); ok {
			return s, nil
		}
		return nil, fmt.Errorf("there is no script %q", value)
	}
	return nil, fmt.Errorf("there is no Unicode property %q with values; use General_Category, Script or Script_Extensions", name)
}

func loneProperty(name string) (set, error) {
	if s, ok := category(name); ok {
		return s, nil
	}
	if long, ok := binaryAliases[name]; ok {
		name = long
	}
	if s, ok := binary(name); ok {
		return s, nil
	}
	if _, ok := script(name); ok {
		return nil, fmt.Errorf("%q is a script: write Script=%s", name, name)
	}
	return nil, fmt.Errorf("there is no Unicode property %q", name)
}

func category(name string) (set, bool) {
	switch name {
	case "Combining_Mark":
		name = "M"
	case "Other", "C":
		name = "C"
	default:
		if short, ok := unicode.CategoryAliases[name]; ok {
			name = short
		}
	}
	if name == "C" { // Go's table leaves out what is not assigned
		return fromTables(unicode.Categories["C"], unicode.Categories["Cn"]), true
	}
	t, ok := unicode.Categories[name]
	if !ok {
		return nil, false
	}
	return fromTables(t), true
}

func script(name string) (set, bool) {
	if name == "Unknown" || name == "Zzzz" {
		all := make([]*unicode.RangeTable, 0, len(unicode.Scripts))
		for _, t := range unicode.Scripts {
			all = append(all, t)
		}
		return fromTables(all...).complement(), true
	}
	t, ok := unicode.Scripts[longScript(name)]
	if !ok {
		return nil, false
	}
	return fromTables(t), true
}

func longScript(name string) string {
	if long, ok := scriptAliases[name]; ok {
		return long
	}
	return name
}

func scriptExtensions(name string) (set, bool) {
	s, ok := script(name)
	if !ok {
		return nil, false
	}
	long := longScript(name)
	extra := decode(extraScripts[long])
	if long == "Common" || long == "Inherited" {
		return s.minus(extra), true
	}
	return s.union(extra), true
}

// binary returns a binary property by its long name.
func binary(name string) (set, bool) {
	if text, ok := extraBinary[name]; ok {
		return decode(text), true
	}
	if derive, ok := derived[name]; ok {
		return derive(), true
	}
	if t, ok := unicode.Properties[name]; ok && !notInECMAScript[name] {
		return fromTables(t), true
	}
	return nil, false
}

// derived properties are sums and differences of tables, as the Unicode
// standard's DerivedCoreProperties defines them.
var derived = map[string]func() set{
	"Any":      func() set { return set{{0, unicode.MaxRune}} },
	"ASCII":    func() set { return set{{0, 0x7f}} },
	"Assigned": func() set { return fromTables(unicode.Categories["Cn"]).complement() },
	"Alphabetic": func() set {
		return fromTables(unicode.Lu, unicode.Ll, unicode.Lt, unicode.Lm, unicode.Lo, unicode.Nl, unicode.Other_Alphabetic)
	},
	"Lowercase": func() set { return fromTables(unicode.Ll, unicode.Other_Lowercase) },
	"Uppercase": func() set { return fromTables(unicode.Lu, unicode.Other_Uppercase) },
	"Cased": func() set {
		return fromTables(unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
	},
	"Math":     func() set { return fromTables(unicode.Sm, unicode.Other_Math) },
	"ID_Start": idStart,
	"ID_Continue": func() set {
		return idStart().union(fromTables(unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)).
			minus(fromTables(unicode.Pattern_Syntax, unicode.Pattern_White_Space))
	},
	"Grapheme_Extend": func() set { return fromTables(unicode.Me, unicode.Mn, unicode.Other_Grapheme_Extend) },
	"Grapheme_Base": func() set {
		return fromTables(unicode.C, unicode.Categories["Cn"], unicode.Zl, unicode.Zp, unicode.Me, unicode.Mn, unicode.Other_Grapheme_Extend).complement()
	},
}

func idStart() set {
	return fromTables(unicode.L, unicode.Nl, unicode.Other_ID_Start).
		minus(fromTables(unicode.Pattern_Syntax, unicode.Pattern_White_Space))
}

// notInECMAScript are tables of Go that a regular expression can not name.
var notInECMAScript = map[string]bool{
	"Hyphen": true, "Other_Alphabetic": true, "Other_Default_Ignorable_Code_Point": true, "Other_Grapheme_Extend": true,
	"Other_ID_Continue": true, "Other_ID_Start": true, "Other_Lowercase": true, "Other_Math": true, "Other_Uppercase": true,
	"Prepended_Concatenation_Mark": true, "STerm": true,
}

// binaryAliases are the short names of binary properties.
var binaryAliases = map[string]string{
	"AHex": "ASCII_Hex_Digit", "Alpha": "Alphabetic", "Bidi_C": "Bidi_Control", "Bidi_M": "Bidi_Mirrored", "CI": "Case_Ignorable",
	"CWCF": "Changes_When_Casefolded", "CWCM": "Changes_When_Casemapped", "CWKCF": "Changes_When_NFKC_Casefolded",
	"CWL": "Changes_When_Lowercased", "CWT": "Changes_When_Titlecased", "CWU": "Changes_When_Uppercased",
	"DI": "Default_Ignorable_Code_Point", "Dep": "Deprecated", "Dia": "Diacritic", "EBase": "Emoji_Modifier_Base",
	"EComp": "Emoji_Component", "EMod": "Emoji_Modifier", "EPres": "Emoji_Presentation", "Ext": "Extender",
	"ExtPict": "Extended_Pictographic", "Gr_Base": "Grapheme_Base", "Gr_Ext": "Grapheme_Extend", "Hex": "Hex_Digit",
	"IDC": "ID_Continue", "IDS": "ID_Start", "IDSB": "IDS_Binary_Operator", "IDST": "IDS_Trinary_Operator", "Ideo": "Ideographic",
	"Join_C": "Join_Control", "LOE": "Logical_Order_Exception", "Lower": "Lowercase", "NChar": "Noncharacter_Code_Point",
	"Pat_Syn": "Pattern_Syntax", "Pat_WS": "Pattern_White_Space", "QMark": "Quotation_Mark", "RI": "Regional_Indicator",
	"SD": "Soft_Dotted", "STerm": "Sentence_Terminal", "Term": "Terminal_Punctuation", "UIdeo": "Unified_Ideograph",
	"Upper": "Uppercase", "VS": "Variation_Selector", "XIDC": "XID_Continue", "XIDS": "XID_Start", "space": "White_Space",
}
