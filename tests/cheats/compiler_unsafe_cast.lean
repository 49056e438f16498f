-- cheat: casts without a proof
-- wall: gate
-- statement: : False
unsafe (unsafeCast ())
