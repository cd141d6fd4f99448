"""Countries and the adjectives made of them, so that "French" and "France" can be compared."""

from __future__ import annotations

import re

# country: the adjectives and other names for it.
_COUNTRIES = """
United States: American, USA, U.S., US, America, United States of America
United Kingdom: British, UK, U.K., England, English, Britain, Great Britain
United Kingdom: Scotland, Scottish, Wales, Welsh
United Kingdom: Northern Ireland
France: French
Germany: German, West Germany, East Germany
Italy: Italian
Spain: Spanish, Catalan
Portugal: Portuguese
Netherlands: Dutch, Holland
Belgium: Belgian, Flemish
Luxembourg: Luxembourgish
Switzerland: Swiss
Austria: Austrian
Ireland: Irish
Denmark: Danish
Norway: Norwegian
Sweden: Swedish
Finland: Finnish
Iceland: Icelandic
Poland: Polish
Czech Republic: Czech, Czechoslovak, Czechoslovakia
Slovakia: Slovak
Slovenia: Slovenian, Slovene
Hungary: Hungarian
Romania: Romanian
Bulgaria: Bulgarian
Greece: Greek
Turkey: Turkish, Ottoman
Cyprus: Cypriot
Malta: Maltese
Serbia: Serbian
Croatia: Croatian
Bosnia and Herzegovina: Bosnian
Montenegro: Montenegrin
North Macedonia: Macedonian, Macedonia
Albania: Albanian
Russia: Russian, Soviet, Soviet Union
Ukraine: Ukrainian
Belarus: Belarusian
Lithuania: Lithuanian
Latvia: Latvian
Estonia: Estonian
Georgia: Georgian
Armenia: Armenian
Azerbaijan: Azerbaijani
Kazakhstan: Kazakh
Uzbekistan: Uzbek
Iran: Iranian, Persian
Iraq: Iraqi
Israel: Israeli
Syria: Syrian
Lebanon: Lebanese
Jordan: Jordanian
Saudi Arabia: Saudi
Egypt: Egyptian
Morocco: Moroccan
Algeria: Algerian
Tunisia: Tunisian
Libya: Libyan
Sudan: Sudanese
Ethiopia: Ethiopian
Kenya: Kenyan
Uganda: Ugandan
Tanzania: Tanzanian
Nigeria: Nigerian
Ghana: Ghanaian
Senegal: Senegalese
Cameroon: Cameroonian
South Africa: South African
Zimbabwe: Zimbabwean
Zambia: Zambian
India: Indian
Pakistan: Pakistani
Bangladesh: Bangladeshi
Sri Lanka: Sri Lankan
Nepal: Nepalese, Nepali
Afghanistan: Afghan
China: Chinese
Taiwan: Taiwanese
Hong Kong: Hongkonger
Japan: Japanese
South Korea: South Korean, Korean
North Korea: North Korean
Mongolia: Mongolian
Vietnam: Vietnamese
Thailand: Thai
Cambodia: Cambodian
Malaysia: Malaysian
Singapore: Singaporean
Indonesia: Indonesian
Philippines: Filipino, Philippine
Australia: Australian
New Zealand: New Zealander
Canada: Canadian
Mexico: Mexican
Guatemala: Guatemalan
Cuba: Cuban
Jamaica: Jamaican
Haiti: Haitian
Brazil: Brazilian
Argentina: Argentine, Argentinian
Chile: Chilean
Peru: Peruvian
Colombia: Colombian
Venezuela: Venezuelan
Ecuador: Ecuadorian
Bolivia: Bolivian
Uruguay: Uruguayan
Paraguay: Paraguayan
"""

COUNTRY: dict[str, str] = {}
DEMONYMS: set[str] = set()
for _line in _COUNTRIES.strip().splitlines():
    _name, _, _rest = _line.partition(": ")
    COUNTRY[_name] = _name
    for _word in _rest.split(", "):
        COUNTRY[_word] = _name
        if _word.endswith(("an", "ish", "ese", "ch", "ian", "ic", "ss", "i", "k", "ne", "no")):
            DEMONYMS.add(_word)
DEMONYMS |= {"Danish", "Thai", "Dutch", "Swiss", "Afghan", "Scottish", "Croat", "Serb", "Slovene"}
DEMONYMS |= {"European", "African", "Asian", "Czech", "Uzbek", "Kazakh", "Ottoman", "Soviet"}

_ANY = re.compile(
    r"(?<!\w)(?:"
    + "|".join(re.escape(n) for n in sorted(COUNTRY, key=len, reverse=True))
    + r")(?!\w)"
)


def countries(text: str) -> list[str]:
    """Return the countries that `text` names or describes with an adjective, in order."""
    return list(dict.fromkeys(COUNTRY[m[0]] for m in _ANY.finditer(text)))
