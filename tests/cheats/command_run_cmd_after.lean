-- cheat: runs code with run_cmd
-- statement: : True
trivial
run_cmd pure ()
