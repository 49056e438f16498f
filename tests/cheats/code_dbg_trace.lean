-- cheat: prints while the proof runs
-- statement: : True
dbg_trace "x"; trivial
