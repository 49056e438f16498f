-- cheat: hides a command behind a comment that looks nested
-- wall: gate
-- statement: : True
trivial /- /- -/ -/ axiom h : False
