-- cheat: declares an opaque proof
-- wall: gate
-- statement: : False
h
opaque h : False
