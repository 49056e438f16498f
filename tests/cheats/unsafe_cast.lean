-- cheat: casts nothing to a proof
-- wall: gate
-- statement: : False
unsafeCast ()
