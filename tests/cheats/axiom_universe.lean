-- cheat: declares an axiom for every proposition
-- wall: gate
-- statement: : False
h _
axiom h (p : Prop) : p
