-- cheat: runs code when the module is loaded
-- wall: gate
-- statement: : True
trivial
initialize pure ()
