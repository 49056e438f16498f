-- cheat: opens a section
-- wall: gate
-- statement: : True
trivial
section
