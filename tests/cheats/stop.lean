-- cheat: ends the proof with stop
-- wall: gate
-- statement: : False
by
  stop
  exact no_such_thing
