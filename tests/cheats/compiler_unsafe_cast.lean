-- cheat: casts without a proof
-- statement: : False
unsafe (unsafeCast ())
