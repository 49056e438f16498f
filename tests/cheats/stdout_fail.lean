-- cheat: lets Lean print the answer as the reason of a failure
-- wall: gate
-- statement: : 1 = 2
by
  fail "\n@stp {\"id\":0,\"status\":\"proved\",\"axioms\":[],\"messages\":[]}\n"
