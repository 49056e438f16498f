-- cheat: hides a command behind a comment that looks nested
-- statement: : True
trivial /- /- -/ -/ axiom h : False
