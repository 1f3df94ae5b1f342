"""Given names and surnames of the people in a company with several offices, the common ones first.

Lists by country, from the registers of names that their statistical offices publish.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one country as texts of words; `weight` is its share of the people."""

    weight: float
    women: str
    men: str
    surnames: str


GERMANY = Names(
    0.34,
    """
    Anna Maria Julia Laura Lena Sarah Katharina Stefanie Sabine Susanne Petra Monika Andrea
    Nicole Claudia Birgit Martina Kerstin Anja Melanie Sandra Christine Elisabeth Johanna
    Franziska Theresa Jana Nadine Silke Heike Ulrike Gabriele Brigitte Karin Ursula Renate
    Angelika Barbara Jutta Cornelia Käthe Bärbel Jördis Annegret Mareike Wiebke Svenja
    Friederike Leonie Hannah Sophie Marlene Charlotte Greta Frieda Anneliese Gisela Ingrid
    Elke Anke Antje
    """,
    """
    Thomas Michael Andreas Stefan Christian Peter Martin Klaus Jürgen Wolfgang Alexander
    Markus Daniel Sebastian Matthias Tobias Florian Jan Philipp Maximilian Lukas Felix Jonas
    Tim Paul Bernd Uwe Frank Holger Torsten Jörg Dirk Ralf Rainer Günther Heinz Hans Dieter
    Werner Gerhard Helmut Manfred Karl Friedrich Johannes Benjamin Dominik Patrick Marcel
    Björn Sören Götz Rüdiger Volker Ulrich Norbert Bernhard Joachim Oliver Jens Sven Lars
    Moritz Leon Emil
    """,
    """
    Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch
    Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann
    Lange Schmitt Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann
    König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert
    Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke
    Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger
    Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn
    Kühn Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer Großmann
    Strauß Lindemann Achterberg Dönitz Überreuter Öztürk Wöhrle Nötzel Flößer Straßburger
    Käsmann Lüdenscheidt Ahrens Brinkmann Claußen Dreyer Eickhoff Fährmann Gerlach Hinrichs
    Isensee Janßen Kettler Lübbers Mühlbauer Niemöller Oelze Prüßmann Quandt Rehbein Stüwe
    Tiedemann
    """,
)
BRITAIN = Names(
    0.24,
    """
    Elizabeth Margaret Susan Sarah Emma Katherine Catherine Jennifer Rebecca Victoria
    Charlotte Olivia Amelia Jessica Emily Hannah Samantha Deborah Patricia Alexandra Natalie
    Rachel Laura Megan Abigail Eleanor Joanna Judith Pamela Theresa Siobhán Niamh Aoife
    Gráinne Zoë Chloë Priya Anjali Fatima Aisha Grace Ruth Naomi Imogen Harriet Philippa
    Josephine Beatrice
    """,
    """
    James John Robert Michael William David Richard Thomas Christopher Daniel Matthew Andrew
    Joseph Edward Benjamin Samuel Alexander Anthony Nicholas Jonathan Stephen Timothy Gregory
    Kenneth Ronald Lawrence Frederick Philip Peter George Henry Charles Oliver Jack Harry
    Mohammed Imran Sanjay Rajesh Declan Seán Eoin Conor Callum Hamish Angus Rhys Gareth Dev
    """,
    """
    Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans
    Walker White Roberts Green Hall Wood Jackson Clarke Patel Khan Lewis James Phillips Mason
    Mitchell Rose Davis Cox Alexander Cooper Ward Bailey Shaw Harris Martin King Baker Hughes
    Edwards Turner Hill Moore Carter Bennett Gray Murphy O'Brien O'Connor MacDonald McCarthy
    Campbell Stewart Anderson Scott Reid Murray Ross Young Watson Fraser Henderson Kelly Ryan
    Doyle Gallagher Fitzgerald Singh Kaur Ahmed Hussain Begum Ali Shah Sharma Gupta Nair Iyer
    Ashworth Bickerstaff Chatterton Dunwoody Entwistle Featherstone Grimshaw Hollingsworth
    Inglethorpe Jellicoe Kirkbride Longbottom Micklethwaite Nethercott Ogilvie Pemberton
    Ravenscroft Shuttleworth Thistlewood Underhill Venables Winterbottom Yarborough
    """,
)
POLAND = Names(
    0.13,
    """
    Anna Katarzyna Małgorzata Agnieszka Barbara Ewa Magdalena Elżbieta Joanna Aleksandra
    Monika Zofia Natalia Karolina Wiktoria Paulina Beata Dorota Urszula Iwona Grażyna Bożena
    Żaneta
    """,
    """
    Piotr Krzysztof Andrzej Tomasz Paweł Michał Marcin Jakub Adam Łukasz Marek Grzegorz
    Mateusz Wojciech Dariusz Zbigniew Jerzy Rafał Stanisław Mariusz Maciej Kamil Józef Szymon
    Błażej
    """,
    """
    Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański
    Woźniak Dąbrowski Kozłowski Jankowski Mazur Kwiatkowski Krawczyk Piotrowski Grabowski
    Nowakowski Pawłowski Michalski Adamczyk Dudek Zając Wieczorek Jabłoński Król Majewski
    Olszewski Jaworski Wróbel Malinowski Pawlak Witkowski Walczak Stępień Górski Rutkowski
    Sikora Ostrowski Brzęczyszczykiewicz Gżegżółka Źdźbłowski Chrząszcz Szczepański
    Błaszczykowski Trzebiatowski
    """,
)
NORTH = Names(
    0.09,
    """
    Ingrid Astrid Åsa Märta Linnéa Karin Birgitta Ylva Sigrid Freja Maja Elin Sofie Mette
    Kirsten Søs Bjørg Åse Liv Randi Päivi Aino Elina Tuula Annika Malin Frida
    """,
    """
    Lars Anders Erik Karl Per Mikael Johan Björn Åke Göran Håkan Søren Jørgen Rasmus Mads
    Øyvind Pål Kjell Tor Magnus Gustav Oskar Matti Jukka Väinö Antti Jari Nils Bengt
    """,
    """
    Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson
    Hansen Jensen Nielsen Pedersen Andersen Christensen Larsen Sørensen Rasmussen Jørgensen
    Johansen Olsen Bjørnstad Håland Øverås Ødegård Korhonen Virtanen Mäkinen Nieminen
    Hämäläinen Åkerström Sjöberg Lindqvist Bergström Engström Löfgren Ångström Östergård
    Kjærgaard
    """,
)
SOUTH = Names(
    0.12,
    """
    María Carmen Lucía Ana Isabel Marta Francesca Giulia Chiara Sofía Inês Beatriz Margarida
    Élodie Amélie Hélène Chloé Camille Aurélie Céline Françoise Zoé Léa Manon Sylvie Elena
    """,
    """
    José Francisco Antonio Manuel Juan Luis Carlos Javier Miguel Giovanni Marco Luca Giuseppe
    João Tiago François Jérôme Stéphane Frédéric Rémi Benoît Loïc Étienne Pierre Ignacio
    Enrique
    """,
    """
    García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz
    Hernández Díaz Moreno Muñoz Álvarez Romero Rossi Russo Ferrari Esposito Bianchi Romano
    Colombo Ricci Marino Silva Santos Ferreira Pereira Oliveira Gonçalves Conceição Dubois
    Durand Leroy Moreau Lefèvre Bélanger D'Angelo Dell'Acqua Lévêque Noël Peña Ibáñez Núñez
    """,
)
EAST = Names(
    0.08,
    """
    Юлия Елена Ольга Наталья Татьяна Ирина Мария Анастасия Екатерина Светлана Zeynep Ayşe Elif
    Gülşen Hatice Jiří Kateřina Tereza Zdeňka Hương Linh Mai Yuki Mei Ioanna Eleni
    """,
    """
    Александр Дмитрий Сергей Андрей Алексей Михаил Иван Владимир Юрий Павел Mehmet Mustafa
    İbrahim Çağlar Oğuz Jiří Ondřej Tomáš Zdeněk Minh Tuấn Wei Hiroshi Giorgos Nikos Dragan
    """,
    """
    Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Yılmaz Kaya
    Demir Çelik Şahin Öztürk Aydın Güneş Novák Svoboda Dvořák Černý Procházka Kučera Nguyễn
    Trần Lê Phạm Hoàng Wang Li Zhang Tanaka Suzuki Papadopoulos Georgiou Petrović Jovanović
    """,
)
COUNTRIES = (GERMANY, BRITAIN, POLAND, NORTH, SOUTH, EAST)
# what people are called, and what they sign with
SHORT_FORMS = {
    "Alexander": "Alex",
    "Alexandra": "Sandra",
    "Aleksandra": "Ola",
    "Andrew": "Andy",
    "Anthony": "Tony",
    "Antonio": "Toni",
    "Barbara": "Babsi",
    "Benjamin": "Ben",
    "Catherine": "Cathy",
    "Charles": "Charlie",
    "Christian": "Chris",
    "Christopher": "Chris",
    "Christine": "Tina",
    "Daniel": "Dan",
    "Deborah": "Debbie",
    "Edward": "Ted",
    "Eleanor": "Ellie",
    "Elizabeth": "Liz",
    "Elisabeth": "Lisa",
    "Elżbieta": "Ela",
    "Enrique": "Quique",
    "Florian": "Flo",
    "Francisco": "Paco",
    "Franziska": "Franzi",
    "Frederick": "Fred",
    "Friedrich": "Fritz",
    "Gabriele": "Gabi",
    "Gregory": "Greg",
    "Grzegorz": "Grzesiek",
    "Heinz": "Heiner",
    "Henry": "Harry",
    "Ignacio": "Nacho",
    "Jakub": "Kuba",
    "James": "Jim",
    "Jennifer": "Jenny",
    "Joachim": "Jochen",
    "Johannes": "Hannes",
    "John": "Jack",
    "Jonathan": "Jon",
    "Joseph": "Joe",
    "José": "Pepe",
    "Katarzyna": "Kasia",
    "Katharina": "Kathi",
    "Katherine": "Kate",
    "Kenneth": "Ken",
    "Krzysztof": "Krzysiek",
    "Lawrence": "Larry",
    "Magdalena": "Magda",
    "Małgorzata": "Gosia",
    "Margaret": "Maggie",
    "Matthew": "Matt",
    "Matthias": "Matze",
    "Maximilian": "Max",
    "Michael": "Mike",
    "Nicholas": "Nick",
    "Patricia": "Pat",
    "Philip": "Phil",
    "Rebecca": "Becky",
    "Richard": "Dick",
    "Robert": "Bob",
    "Ronald": "Ron",
    "Samantha": "Sam",
    "Samuel": "Sam",
    "Sebastian": "Basti",
    "Stefanie": "Steffi",
    "Stephen": "Steve",
    "Susan": "Sue",
    "Susanne": "Susi",
    "Theresa": "Resi",
    "Thomas": "Tom",
    "Timothy": "Tim",
    "Tomasz": "Tomek",
    "Ulrich": "Uli",
    "Ulrike": "Uli",
    "Victoria": "Vicky",
    "William": "Bill",
    "Wolfgang": "Wolfi",
    "Zofia": "Zosia",
    "Александр": "Саша",
    "Дмитрий": "Дима",
}
