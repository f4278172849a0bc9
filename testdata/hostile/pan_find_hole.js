// hostile/pan_find_hole.js
// expect: ERR - run ends with an ordinary script error (no Go panic escapes, no crash); process alive
// note: natives get a Go nil for a hole
[,1].find(Boolean);
