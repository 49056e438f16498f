-- cheat: runs code when the module is loaded
-- statement: : True
trivial
initialize pure ()
