-- cheat: asks for a default proof
-- wall: lean
-- statement: : False
default
