-- cheat: prints while the proof runs
-- wall: gate
-- statement: : True
dbg_trace "x"; trivial
