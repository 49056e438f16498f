-- cheat: runs code with #eval
-- statement: : True
trivial
#eval 1 + 1
