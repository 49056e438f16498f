-- cheat: runs a program of commands above the statement
-- wall: gate
-- statement: : 1 = 2
-- header: import Lean\nopen Lean in run_cmd logInfo "x"
by decide
