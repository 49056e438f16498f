-- cheat: runs code with #eval
-- wall: gate
-- statement: : True
trivial
#eval 1 + 1
