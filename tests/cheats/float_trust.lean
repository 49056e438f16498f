-- cheat: trusts the decimal numbers
-- wall: lean
-- statement: : (0.1 + 0.2 : Float) = 0.3
by decide
