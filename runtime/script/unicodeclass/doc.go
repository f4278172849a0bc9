// Package unicodeclass expands Unicode property escapes in regular
// expressions: \p{L} becomes the character class of all letters. The engine
// that runs our scripts accepts such escapes and never matches them, silently.
//
// Everything ECMAScript lists is known (general categories, scripts, script
// extensions, the binary properties), from Go's own Unicode tables plus small
// ones for what Go lacks. Properties of strings (\p{RGI_Emoji}) belong to the v
// flag, which the engine refuses.
//
// The one invariant: an expanded pattern means what the original means, inside
// and outside of a class, with and without the i flag, and never joins with its
// neighbours into a surrogate pair.
//
// The package is a leaf: it knows strings and code points, and neither goja nor
// esbuild.
//
//	out, err := unicodeclass.Expand(`^\p{Lu}+$`, "u") // "^[A-Z\xc0-\xd6…]+$"
package unicodeclass
