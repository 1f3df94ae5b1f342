"""Short and familiar forms of given names; each line contains the forms of one name."""

from hub.identities.matching.folding import fold_name

NICKNAME_GROUPS = """
adelheid heidi
agnieszka aga
aleksander alexander alex aleks alec alejandro sascha sasha sander xander olek
aleksandra alexandra alex ola sandra sasha sascha
andrew andreas andy drew andrzej andre andi
anna ann anne anni annie anja ania anika nina
anthony antonio tony toni anton antoine antoni
augustus august gus
barbara barb babs basia barbel
benedict benedikt ben bene
benjamin ben benny benji
bernhard bernard bernd bernie
brigitte gitte biggi
charles charlie chuck carl karl carlos
charlotte charlie lotte lottie
christian chris christoph
christine christina chris tina christa kristin krystyna kirsten
christopher christoph chris kit topher krzysztof
daniel dan danny dani
deborah debbie deb
dmitri dmitry dima
dominik dominic dom nick
donald don donny
dorothea doro dorothy dora thea
edward ed eddie ted teddy ned eduard
eleanor ellie nell eleonore nora
elisabeth elizabeth liz lisa beth betty eliza elise lizzie elzbieta ela sissi lisbeth bettina
emma em emmi
enrique quique heinrich henry harry heinz hank henri henrik
ernst ernie ernest
eugene gene eugen evgeny zhenya
felicitas feli
ferdinand ferdi fernando nando
florian flo
francisco paco pancho francesco franz frank francis frankie franciszek
franziska franzi francesca frances fran sissy
frederick fred freddy friedrich fritz fredrik rick federico
gabriele gabi gabriela gabrielle gaby
george georg jorg jorge jerzy giorgos yuri juergen jurgen
gerhard gerd gerard gerry
gertrud gerti trude trudi
gregory greg grzegorz gregor grigori grisha
guillermo memo william will bill billy willy wilhelm liam guillaume bil
gunther gunter
hans johannes johann john jan johnny jack ivan juan jean giovanni jens jon ian sean
helena lena helen helene hela leni elena ellen
ignacio nacho ignaz
irene irina ira
isabella isabel bella isa isabelle izabela
jacob jakob jake jacek kuba jakub jaap
james jim jimmy jamie jay
jennifer jen jenny jenn
jessica jess jessie
joachim jochen achim joaquin
joanna asia joan johanna hanna hannah janna jo joana
jonathan jon johnny jonny
joseph josef sepp joe joey jose pepe jozef beppe pino
joshua josh
judith judy jutta
julia julie jule juliane juliana
katarzyna kasia katharina katherine catherine kate kathy katie kathrin katrin kati cathy katja
katarina katerina ekaterina katya catalina
kenneth ken kenny
klaus nikolaus nicholas nick nico niko claus nikolai nicolas mikolaj kolya
konrad conrad kurt conny
kristian kris
lawrence laurence larry lars lorenz lorenzo laurent laurenz
leonard leo len lennard leonhard leon lenny leonardo
louis ludwig lou luis luigi lewis
lucas luke lukas luca lukasz
magdalena magda lena lene leni maddalena
magnus mange
malgorzata gosia margarete margaret maggie meg peggy gretchen greta grete margit margot rita marge
manfred manni freddy
manuel manu emanuel manolo
manuela manu ela
marianne nanni
maria mary marie mia mimi maja masha marion mariola marysia molly
martin marty marcin
martina tina
matthew matt matthias matze mateusz mateo matteo mattias hias
maximilian max maxim maks massimo
melanie mel melli
michael mike mick mickey michal miguel mikhail misha michel michele michi mikael
michaela michi ela micha michelle
mohammed mohamed muhammad mohammad mo mehmet ahmed
monika moni monica
nadezhda nadia nadja nadine
natalia natalie nat natasha natalya nathalie tasha
nathaniel nathan nate nat
oliver olli ollie olivier
pamela pam
patricia pat patty trish tricia patrizia
patrick pat paddy patryk
paul pablo pavel pawel paolo pauli
peter pete pedro petr piotr pierre pietro piet
philip phil philipp philippe filip pip
rafael raphael rafal rafa
rebecca becky becca rebekka
reinhard reini
richard rick dick rich richie ricky ricardo riccardo
robert rob bob bobby robbie bert roberto
roger rudiger rudi
ronald ron ronny
rosemarie rosi rosemary rose romy
rudolf rudy rudi rolf
samantha sam sammy
samuel sam sammy
sebastian basti seb bastian sebi
sigrid siggi
siegfried sigi siggi
simone simona moni
sofia sophie sofie zofia zosia sophia
stanislaw staszek stan stanley
stephen steven steve stefan stephan szczepan stevie esteban stephane steffen
stefanie stephanie steffi steph stefania fanny
susanne susan sue susi suzanne zuzanna susanna sanne susie
sylvia silvia silke
tatiana tanya tanja
teresa theresa tess terry resi theresia therese
thaddeus tad tadeusz
theodore theo ted teddy theodor fyodor fedor
thomas tom tommy tomasz tomek tomas thom
timothy tim timmy timo
ulrich uli ulli
ulrike uli rike
ursula uschi ulla urszula
valentin vali
valentina vali
veronika vroni vera veronica ronnie
victor viktor vic
victoria viktoria vicky vicki tori
vincent vince vinzenz
vladimir vova wladimir volodymyr volodya
waldemar waldi
walter walt wally
wolfgang wolf wolfi
yevgenia zhenya
zachary zach zack
"""
_groups_by_name: dict[str, set[int]] = {}
for _number, _line in enumerate(NICKNAME_GROUPS.split("\n")):
    for _name in _line.split():
        _groups_by_name.setdefault(fold_name(_name), set()).add(_number)
PREFIX_LENGTH_MIN, LETTERS_CUT_MIN = 3, 2


def is_short_form(first: str, second: str) -> bool:
    """Return whether two folded given names are forms of one: by the list, or as a prefix."""
    if _groups_by_name.get(first, set()) & _groups_by_name.get(second, set()):
        return True
    short, long = sorted((first, second), key=len)
    return (
        len(short) >= PREFIX_LENGTH_MIN
        and len(long) >= len(short) + LETTERS_CUT_MIN
        and long.startswith(short)
    )
