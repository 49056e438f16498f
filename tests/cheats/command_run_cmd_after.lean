-- cheat: runs code with run_cmd
-- wall: gate
-- statement: : True
trivial
run_cmd pure ()
