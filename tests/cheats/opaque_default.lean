-- cheat: lets an opaque constant have any value
-- wall: gate
-- statement: : False
h
noncomputable opaque h : False := default
